/* Counting what is on its way. */
#include "src/bridge/intake.h"

#include "base/check.h"

bool intake_charge_within(struct intake *intake, size_t bytes, size_t bytes_max)
{
    size_t before =
        atomic_fetch_add_explicit(&intake->bytes, bytes, memory_order_relaxed);

    if (before + bytes > bytes_max) {
        intake_release(intake, bytes);
        return false;
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
