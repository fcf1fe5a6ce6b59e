# All of the program but main() is a library, so that tests can link it.
noinst_LIBRARIES += libprogram.a
libprogram_a_SOURCES = \
	%D%/address.c \
	%D%/address.h \
	%D%/bench.c \
	%D%/bench_channel.c \
	%D%/bench_channel.h \
	%D%/bench_crowd.c \
	%D%/bench_crowd.h \
	%D%/bench_event.c \
	%D%/bench_event.h \
	%D%/bench_fanout.c \
	%D%/bench_fanout.h \
	%D%/bench_frames.c \
	%D%/bench_frames.h \
	%D%/bench_idle.c \
	%D%/bench_idle.h \
	%D%/bench_publish.c \
	%D%/bench_publish.h \
	%D%/bench_publisher.c \
	%D%/bench_publisher.h \
	%D%/bench_replay.c \
	%D%/bench_replay.h \
	%D%/bench_report.c \
	%D%/bench_report.h \
	%D%/bench_run.c \
	%D%/bench_run.h \
	%D%/bench_server.c \
	%D%/bench_server.h \
	%D%/bench_settings.h \
	%D%/client.c \
	%D%/client.h \
	%D%/client_list.c \
	%D%/client_list.h \
	%D%/commands.h \
	%D%/config_text.c \
	%D%/config_text.h \
	%D%/dev.c \
	%D%/dev.h \
	%D%/duration.c \
	%D%/duration.h \
	%D%/key.c \
	%D%/log_command.c \
	%D%/log_walk.c \
	%D%/log_walk.h \
	%D%/option_number.c \
	%D%/option_number.h \
	%D%/options.c \
	%D%/options.h \
	%D%/pub.c \
	%D%/pub_batch.c \
	%D%/pub_batch.h \
	%D%/say.c \
	%D%/say.h \
	%D%/serve.c \
	%D%/serve_cluster.c \
	%D%/serve_cluster.h \
	%D%/serve_options.c \
	%D%/serve_options.h \
	%D%/settings.c \
	%D%/settings.h \
	%D%/settings_file.c \
	%D%/settings_file.h \
	%D%/settings_print.c \
	%D%/settings_print.h \
	%D%/status.c \
	%D%/sub.c \
	%D%/sub_begin.c \
	%D%/sub_begin.h \
	%D%/sub_channels.c \
	%D%/sub_channels.h \
	%D%/sub_output.c \
	%D%/sub_output.h \
	%D%/timestamp.c \
	%D%/timestamp.h \
	%D%/url.c \
	%D%/url.h

bin_PROGRAMS += weir
weir_SOURCES = %D%/main.c
weir_LDADD = $(LINK_PROGRAM)
weir_DEPENDENCIES = $(PROGRAM_LIBS)

man_MANS = doc/weir.1 doc/weir.conf.5
