noinst_LIBRARIES += libbridge.a
libbridge_a_SOURCES =
