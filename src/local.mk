# All of the program but main() is a library, so that tests can link it.
noinst_LIBRARIES += libprogram.a
libprogram_a_SOURCES =

# When %D%/main.c stands:
#     bin_PROGRAMS += weir
#     weir_SOURCES = %D%/main.c
#     weir_LDADD = $(LINK_PROGRAM)
