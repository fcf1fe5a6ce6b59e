/* The table of rc.h, spelt out twice: as names and as sentences. */
#include "base/rc.h"

#include "base/check.h"

const char *rc_name(enum rc rc)
{
    switch (rc) {
#define X(name, value, text) \
    case name:               \
        return #name;
        RC_MAP(X)
#undef X
    }
    check_unreachable();
}

const char *rc_text(enum rc rc)
{
    switch (rc) {
#define X(name, value, text) \
    case name:               \
        return text;
        RC_MAP(X)
#undef X
    }
    check_unreachable();
}
