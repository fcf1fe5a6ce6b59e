noinst_LIBRARIES += libproto.a
libproto_a_SOURCES = \
	%D%/answer.c %D%/answer.h \
	%D%/api_key.c %D%/api_key.h \
	%D%/channel_name.c %D%/channel_name.h \
	%D%/client_msg.c %D%/client_msg.h \
	%D%/client_request.c %D%/client_request.h \
	%D%/cluster_secret.c %D%/cluster_secret.h \
	%D%/credentials.c %D%/credentials.h \
	%D%/cursor.c %D%/cursor.h \
	%D%/gossip.c %D%/gossip.h \
	%D%/http_body.c %D%/http_body.h \
	%D%/http_date.c %D%/http_date.h \
	%D%/http_head.c %D%/http_head.h \
	%D%/http_reply.c %D%/http_reply.h \
	%D%/http_request.c %D%/http_request.h \
	%D%/http_response.c %D%/http_response.h \
	%D%/http_rules.c %D%/http_rules.h \
	%D%/idempotency.c %D%/idempotency.h \
	%D%/json.c %D%/json.h \
	%D%/json_string.c %D%/json_string.h \
	%D%/pack.c %D%/pack.h \
	%D%/peer.c %D%/peer.h \
	%D%/peer_events.c %D%/peer_events.h \
	%D%/problem.c %D%/problem.h \
	%D%/query.c %D%/query.h \
	%D%/replay_request.c %D%/replay_request.h \
	%D%/seal.c %D%/seal.h \
	%D%/server_msg.c %D%/server_msg.h \
	%D%/ws_accept.c %D%/ws_accept.h \
	%D%/ws_deflate.c %D%/ws_deflate.h \
	%D%/ws_feed.c %D%/ws_feed.h \
	%D%/ws_frame.c %D%/ws_frame.h \
	%D%/ws_stream.c %D%/ws_stream.h

# What protoc-c makes of the .proto files: not ours, so without our warnings.
PROTO_FILES = %D%/gossip.proto %D%/keys.proto %D%/peer.proto
PROTO_GENERATED = $(PROTO_FILES:.proto=.pb-c.c) $(PROTO_FILES:.proto=.pb-c.h)
noinst_LIBRARIES += libprotogen.a
nodist_libprotogen_a_SOURCES = $(PROTO_GENERATED)
libprotogen_a_CFLAGS = $(FOREIGN_CFLAGS)
BUILT_SOURCES += $(PROTO_GENERATED)
CLEANFILES += $(PROTO_GENERATED)
EXTRA_DIST += $(PROTO_FILES)

%D%/%.pb-c.c %D%/%.pb-c.h: %D%/%.proto
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PROTOC_C) \
	  --proto_path=$(srcdir) --c_out=$(builddir) $<
