noinst_LIBRARIES += libio.a
libio_a_SOURCES = \
	%D%/certificate.c \
	%D%/certificate.h \
	%D%/file.c \
	%D%/file.h \
	%D%/logger.c \
	%D%/logger.h \
	%D%/tls.c \
	%D%/tls.h
