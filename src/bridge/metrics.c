/* The text of /metrics. */
#include "src/bridge/metrics.h"

static uint64_t load(const atomic_uint_least64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void print_one(struct buffer *out,
                      const char *name,
                      const char *kind,
                      const char *help,
                      uint64_t value)
{
    buffer_printf(out, "# HELP weir_%s %s\n", name, help);
    buffer_printf(out, "# TYPE weir_%s %s\n", name, kind);
    buffer_printf(out, "weir_%s ", name);
    buffer_decimal(out, value);
    buffer_text(out, "\n");
}

void metrics_print(struct metrics *const *sets,
                   size_t count,
                   struct buffer *out)
{
    uint64_t sum;

#define X(name, kind, help)              \
    sum = 0;                             \
    for (size_t i = 0; i < count; i++) { \
        sum += load(&sets[i]->name);     \
    }                                    \
    print_one(out, #name, kind, help, sum);
    METRICS_MAP(X)
#undef X
}
