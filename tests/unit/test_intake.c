/* The intake takes what fits its bound, to the byte, from any thread. */
#include "src/bridge/intake.h"
#include "tests/lib/tap.h"

#include <pthread.h>

static size_t charged(struct intake *intake)
{
    return atomic_load(&intake->bytes);
}

TAP_CASE(a_charge_that_just_fits_is_taken)
{
    struct intake intake = {.bytes_max = 100};

    tap_check(intake_charge(&intake, 60));
    tap_check(intake_charge(&intake, 40));
    tap_equal(charged(&intake), 100);
}

TAP_CASE(a_bound_of_ones_own_is_beside_that_of_all)
{
    struct intake intake = {.bytes_max = 100};

    tap_check(intake_charge_within(&intake, 20, 25));
    tap_check(!intake_charge_within(&intake, 6, 25));
    tap_equal(charged(&intake), 20);
    tap_check(intake_charge(&intake, 80));
    tap_check(!intake_charge_within(&intake, 0, 25));
    tap_equal(charged(&intake), 100);
}

TAP_CASE(a_charge_one_byte_over_is_refused_and_charges_nothing)
{
    struct intake intake = {.bytes_max = 100};

    tap_check(intake_charge(&intake, 60));
    tap_check(!intake_charge(&intake, 41));
    tap_equal(charged(&intake), 60);
}

TAP_CASE(a_charge_over_the_whole_bound_is_refused_when_nothing_is_there)
{
    struct intake intake = {.bytes_max = 100};

    tap_check(!intake_charge(&intake, 101));
    tap_check(intake_charge(&intake, 100));
}

TAP_CASE(the_most_that_was_charged_is_remembered_until_it_is_taken)
{
    struct intake intake = {.bytes_max = 100};

    (void)intake_charge(&intake, 60);
    intake_release(&intake, 50);
    tap_check(!intake_charge(&intake, 95));
    tap_equal(intake_take_most(&intake), 60);
    tap_equal(intake_take_most(&intake), 10);
}

TAP_CASE(what_is_released_can_be_charged_again)
{
    struct intake intake = {.bytes_max = 100};

    tap_check(intake_charge(&intake, 100));
    tap_check(!intake_charge(&intake, 1));
    intake_release(&intake, 1);
    tap_check(intake_charge(&intake, 1));
    tap_check(!intake_charge(&intake, 1));
    intake_release(&intake, 100);
    tap_equal(charged(&intake), 0);
}

enum { THREADS = 4, ROUNDS = 20000, BOUND = 1000 };

struct charger {
    struct intake *intake;
    size_t bytes;
    int taken;
};

static void *charge_and_release(void *argument)
{
    struct charger *c = argument;

    for (int i = 0; i < ROUNDS; i++) {
        if (intake_charge(c->intake, c->bytes)) {
            c->taken++;
            intake_release(c->intake, c->bytes);
        }
    }
    return NULL;
}

TAP_CASE(threads_that_charge_at_once_leave_nothing_behind)
{
    struct intake intake = {.bytes_max = BOUND};
    struct charger chargers[THREADS];
    pthread_t threads[THREADS];
    int taken = 0;

    for (int i = 0; i < THREADS; i++) {
        chargers[i] =
            (struct charger){.intake = &intake, .bytes = (size_t)(300 + i)};
        tap_equal(
            pthread_create(&threads[i], NULL, charge_and_release, &chargers[i]),
            0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        taken += chargers[i].taken;
    }
    tap_check(taken > 0);
    tap_equal(charged(&intake), 0);
}

TAP_MAIN()
