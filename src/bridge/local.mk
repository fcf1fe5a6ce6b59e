noinst_LIBRARIES += libbridge.a
libbridge_a_SOURCES = \
	%D%/admission.c \
	%D%/admission.h \
	%D%/authority.c \
	%D%/authority.h \
	%D%/batch.c \
	%D%/batch.h \
	%D%/client.c \
	%D%/client.h \
	%D%/client_table.c \
	%D%/client_table.h \
	%D%/cluster_api.c \
	%D%/cluster_api.h \
	%D%/commit.c \
	%D%/commit.h \
	%D%/console.c \
	%D%/console.h \
	%D%/deadline.c \
	%D%/deadline.h \
	%D%/delivery.c \
	%D%/delivery.h \
	%D%/drain.c \
	%D%/drain.h \
	%D%/event_stream.c \
	%D%/event_stream.h \
	%D%/frontier.c \
	%D%/frontier.h \
	%D%/history.c \
	%D%/history.h \
	%D%/http_answer.c \
	%D%/http_answer.h \
	%D%/http_api.c \
	%D%/http_api.h \
	%D%/http_publish.c \
	%D%/http_publish.h \
	%D%/http_query.c \
	%D%/http_query.h \
	%D%/http_token.c \
	%D%/http_token.h \
	%D%/intake.c \
	%D%/intake.h \
	%D%/lease.c \
	%D%/lease.h \
	%D%/metrics.c \
	%D%/metrics.h \
	%D%/namespace.c \
	%D%/namespace.h \
	%D%/publish.c \
	%D%/publish.h \
	%D%/recall.c \
	%D%/recall.h \
	%D%/refusals.c \
	%D%/refusals.h \
	%D%/repeats.c \
	%D%/repeats.h \
	%D%/receive.c \
	%D%/receive.h \
	%D%/replay.c \
	%D%/replay.h \
	%D%/replay_back.c \
	%D%/replay_back.h \
	%D%/replay_gap.c \
	%D%/replay_gap.h \
	%D%/replay_page.c \
	%D%/replay_page.h \
	%D%/sequencer.c \
	%D%/sequencer.h \
	%D%/shard.c \
	%D%/shard.h \
	%D%/shard_state.h \
	%D%/subscription.c \
	%D%/subscription.h \
	%D%/token.c \
	%D%/token.h \
	%D%/unfinished.c \
	%D%/unfinished.h \
	%D%/upgrade.c \
	%D%/upgrade.h \
	%D%/ws_session.c \
	%D%/ws_session.h

# The console's files, as arrays for console.c to include.
CONSOLE_FILES = contrib/console/index.html contrib/console/console.css \
	contrib/console/console.js contrib/js/weir.js
BUILT_SOURCES += %D%/console_files.inc
CLEANFILES += %D%/console_files.inc
EXTRA_DIST += %D%/console_embed
%D%/console.$(OBJEXT): %D%/console_files.inc

%D%/console_files.inc: %D%/console_embed $(CONSOLE_FILES)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	  $(SHELL) $(srcdir)/%D%/console_embed $(srcdir)/contrib >$@.tmp && \
	  mv $@.tmp $@
