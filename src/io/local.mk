noinst_LIBRARIES += libio.a
libio_a_SOURCES = \
	%D%/acceptor.c \
	%D%/acceptor.h \
	%D%/certificate.c \
	%D%/certificate.h \
	%D%/clock.c \
	%D%/clock.h \
	%D%/file.c \
	%D%/file.h \
	%D%/http_client.c \
	%D%/http_client.h \
	%D%/issuer.c \
	%D%/issuer.h \
	%D%/line_input.c \
	%D%/line_input.h \
	%D%/listener.c \
	%D%/listener.h \
	%D%/log_thread.c \
	%D%/log_thread.h \
	%D%/logger.c \
	%D%/logger.h \
	%D%/mailbox.c \
	%D%/mailbox.h \
	%D%/outbound.c \
	%D%/outbound.h \
	%D%/server.c \
	%D%/server.h \
	%D%/shard_loop.c \
	%D%/shard_loop.h \
	%D%/socket.c \
	%D%/socket.h \
	%D%/tls.c \
	%D%/tls.h \
	%D%/tls_context.c \
	%D%/tls_context.h \
	%D%/ws_client.c \
	%D%/ws_client.h
