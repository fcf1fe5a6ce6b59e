/* Counting what is on its way. */
#include "src/bridge/intake.h"

#include "base/check.h"

static size_t load(const atomic_size_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

bool intake_charge_within(struct intake *intake, size_t bytes, size_t bytes_max)
{
    size_t before =
        atomic_fetch_add_explicit(&intake->bytes, bytes, memory_order_relaxed);

    if (before + bytes > bytes_max) {
        intake_release(intake, bytes);
        return false;
    }
    if (before + bytes > load(&intake->bytes_most)) {
        atomic_store_explicit(
            &intake->bytes_most, before + bytes, memory_order_relaxed);
    }
    return true;
}

bool intake_charge(struct intake *intake, size_t bytes)
{
    return intake_charge_within(intake, bytes, intake->bytes_max);
}

void intake_release(struct intake *intake, size_t bytes)
{
    size_t before =
        atomic_fetch_sub_explicit(&intake->bytes, bytes, memory_order_relaxed);

    check(before >= bytes);
}

void intake_add(struct intake *intake, size_t bytes)
{
    atomic_fetch_add_explicit(&intake->bytes, bytes, memory_order_relaxed);
}

size_t intake_take_most(struct intake *intake)
{
    size_t most = load(&intake->bytes_most);

    atomic_store_explicit(
        &intake->bytes_most, load(&intake->bytes), memory_order_relaxed);
    return most;
}
