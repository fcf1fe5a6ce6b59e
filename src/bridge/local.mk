noinst_LIBRARIES += libbridge.a
libbridge_a_SOURCES = \
	%D%/admission.c \
	%D%/admission.h \
	%D%/authority.c \
	%D%/authority.h \
	%D%/batch.c \
	%D%/batch.h \
	%D%/catchup.c \
	%D%/catchup.h \
	%D%/client.c \
	%D%/client.h \
	%D%/client_table.c \
	%D%/client_table.h \
	%D%/deadline.c \
	%D%/deadline.h \
	%D%/delivery.c \
	%D%/delivery.h \
	%D%/http_api.c \
	%D%/http_api.h \
	%D%/intake.c \
	%D%/intake.h \
	%D%/metrics.c \
	%D%/metrics.h \
	%D%/namespace.c \
	%D%/namespace.h \
	%D%/publish.c \
	%D%/publish.h \
	%D%/sequencer.c \
	%D%/sequencer.h \
	%D%/shard.c \
	%D%/shard.h \
	%D%/shard_state.h \
	%D%/subscription.c \
	%D%/subscription.h \
	%D%/ws_session.c \
	%D%/ws_session.h
