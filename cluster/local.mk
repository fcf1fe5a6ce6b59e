noinst_LIBRARIES += libcluster.a
libcluster_a_SOURCES = \
	%D%/belief.c %D%/belief.h \
	%D%/dissemination.c %D%/dissemination.h \
	%D%/handshake.c %D%/handshake.h \
	%D%/inflight.c %D%/inflight.h \
	%D%/hub.c %D%/hub.h %D%/hub_state.h \
	%D%/hub_connect.c \
	%D%/hub_link.c \
	%D%/link.c %D%/link.h \
	%D%/member_list.c %D%/member_list.h \
	%D%/membership.c %D%/membership.h %D%/membership_state.h \
	%D%/notice.c %D%/notice.h \
	%D%/outbox.c %D%/outbox.h \
	%D%/probe.c %D%/probe.h \
	%D%/reach.c %D%/reach.h \
	%D%/replication.c %D%/replication.h \
	%D%/replication_private.h \
	%D%/replication_prune.c \
	%D%/replication_repair.c \
	%D%/replication_source.c \
	%D%/replication_stream.c \
	%D%/sealed_stream.c %D%/sealed_stream.h \
	%D%/suspicion.c %D%/suspicion.h
