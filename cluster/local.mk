noinst_LIBRARIES += libcluster.a
libcluster_a_SOURCES = \
	%D%/handshake.c %D%/handshake.h \
	%D%/inflight.c %D%/inflight.h \
	%D%/link.c %D%/link.h \
	%D%/replication.c %D%/replication.h \
	%D%/replication_private.h \
	%D%/replication_stream.c \
	%D%/sealed_stream.c %D%/sealed_stream.h
