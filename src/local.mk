# All of the program but main() is a library, so that tests can link it.
noinst_LIBRARIES += libprogram.a
libprogram_a_SOURCES = \
	%D%/address.c \
	%D%/address.h \
	%D%/commands.h \
	%D%/config_text.c \
	%D%/config_text.h \
	%D%/dev.c \
	%D%/dev.h \
	%D%/duration.c \
	%D%/duration.h \
	%D%/key.c \
	%D%/log_command.c \
	%D%/options.c \
	%D%/options.h \
	%D%/serve.c \
	%D%/serve_options.c \
	%D%/serve_options.h \
	%D%/settings.c \
	%D%/settings.h \
	%D%/settings_file.c \
	%D%/settings_file.h \
	%D%/settings_print.c \
	%D%/settings_print.h \
	%D%/timestamp.c \
	%D%/timestamp.h

bin_PROGRAMS += weir
weir_SOURCES = %D%/main.c
weir_LDADD = $(LINK_PROGRAM)
weir_DEPENDENCIES = $(PROGRAM_LIBS)
