noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	%D%/alloc.c \
	%D%/alloc.h \
	%D%/buffer.c \
	%D%/buffer.h \
	%D%/bytes.c \
	%D%/bytes.h \
	%D%/check.c \
	%D%/check.h \
	%D%/cleanup.h \
	%D%/event.c \
	%D%/event.h \
	%D%/hash.c \
	%D%/hash.h \
	%D%/heap.c \
	%D%/heap.h \
	%D%/histogram.c \
	%D%/histogram.h \
	%D%/list.h \
	%D%/map.c \
	%D%/map.h \
	%D%/moment.h \
	%D%/rc.c \
	%D%/rc.h \
	%D%/splitmix.h \
	%D%/text.c \
	%D%/text.h \
	%D%/vector.c \
	%D%/vector.h \
	%D%/visible.c \
	%D%/visible.h \
	%D%/why.c \
	%D%/why.h
