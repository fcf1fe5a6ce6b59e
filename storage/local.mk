noinst_LIBRARIES += libstorage.a
libstorage_a_SOURCES = \
	%D%/index.c \
	%D%/index.h \
	%D%/index_channel.c \
	%D%/index_channel.h \
	%D%/index_share.c \
	%D%/key_table.c \
	%D%/key_table.h \
	%D%/log.c \
	%D%/log.h \
	%D%/log_append.c \
	%D%/log_evict.c \
	%D%/log_evict.h \
	%D%/log_find.c \
	%D%/log_grow.c \
	%D%/log_hole.c \
	%D%/log_meta.c \
	%D%/log_move.c \
	%D%/log_open.c \
	%D%/log_private.h \
	%D%/log_prune.c \
	%D%/log_read.c \
	%D%/log_repair.c \
	%D%/log_repair.h \
	%D%/log_seek.c \
	%D%/log_show.c \
	%D%/log_thin.c \
	%D%/log_trim.c \
	%D%/log_window.c \
	%D%/record.c \
	%D%/record.h
