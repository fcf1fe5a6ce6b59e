noinst_LIBRARIES += libbridge.a
libbridge_a_SOURCES = \
	%D%/authority.c \
	%D%/authority.h
