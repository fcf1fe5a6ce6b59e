noinst_LIBRARIES += libcluster.a
libcluster_a_SOURCES = \
	%D%/belief.c %D%/belief.h \
	%D%/dissemination.c %D%/dissemination.h \
	%D%/member_list.c %D%/member_list.h \
	%D%/membership.c %D%/membership.h %D%/membership_state.h \
	%D%/notice.c %D%/notice.h \
	%D%/outbox.c %D%/outbox.h \
	%D%/probe.c %D%/probe.h \
	%D%/reach.c %D%/reach.h \
	%D%/suspicion.c %D%/suspicion.h
