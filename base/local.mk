noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	%D%/alloc.h \
	%D%/buffer.h \
	%D%/bytes.h \
	%D%/check.h \
	%D%/cleanup.h \
	%D%/event.h \
	%D%/hash.h \
	%D%/list.h \
	%D%/map.h \
	%D%/moment.h \
	%D%/rc.h \
	%D%/text.h \
	%D%/why.h
