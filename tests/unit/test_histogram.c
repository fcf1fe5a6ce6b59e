/* base/histogram: where values land, and what is read back. */
#include "base/histogram.h"
#include "tests/lib/tap.h"

static struct histogram histogram;

static void fill(uint64_t first, uint64_t last)
{
    histogram_clear(&histogram);
    for (uint64_t value = first; value <= last; value++) {
        histogram_add(&histogram, value);
    }
}

TAP_CASE(histogram_without_values_answers_zero)
{
    histogram_clear(&histogram);

    tap_equal(histogram_quantile(&histogram, 0.5), 0);
    tap_equal(histogram_quantile(&histogram, 1), 0);
    tap_equal(histogram.max, 0);
}

TAP_CASE(histogram_keeps_a_value_of_zero)
{
    histogram_clear(&histogram);
    histogram_add(&histogram, 0);

    tap_equal(histogram.count, 1);
    tap_equal(histogram_quantile(&histogram, 1), 0);
}

TAP_CASE(histogram_is_exact_below_128)
{
    fill(1, 100);

    tap_equal(histogram_quantile(&histogram, 0.01), 1);
    tap_equal(histogram_quantile(&histogram, 0.5), 50);
    tap_equal(histogram_quantile(&histogram, 0.99), 99);
    tap_equal(histogram_quantile(&histogram, 1), 100);
}

TAP_CASE(histogram_quantile_of_zero_is_the_least_value)
{
    fill(7, 20);

    tap_equal(histogram_quantile(&histogram, 0), 7);
}

TAP_CASE(histogram_steps_by_two_from_256_on)
{
    histogram_clear(&histogram);
    histogram_add(&histogram, 255);
    histogram_add(&histogram, 256);
    histogram_add(&histogram, 257);
    histogram_add(&histogram, 258);

    tap_equal(histogram_quantile(&histogram, 0.25), 255);
    tap_equal(histogram_quantile(&histogram, 0.5), 257);
    tap_equal(histogram_quantile(&histogram, 0.75), 257);
    tap_equal(histogram_quantile(&histogram, 1), 258);
}

TAP_CASE(histogram_errs_by_less_than_one_percent_everywhere)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t value = (UINT64_C(1) << bit) + (UINT64_C(1) << bit) / 3;
        uint64_t read;

        histogram_clear(&histogram);
        histogram_add(&histogram, value);
        histogram_add(&histogram, UINT64_MAX);
        read = histogram_quantile(&histogram, 0.5);

        tap_check(read >= value);
        tap_check(read - value <= value / 128);
    }
}

TAP_CASE(histogram_takes_the_largest_number)
{
    histogram_clear(&histogram);
    histogram_add(&histogram, UINT64_MAX);

    tap_check(histogram.max == UINT64_MAX);
    tap_check(histogram_quantile(&histogram, 1) == UINT64_MAX);
}

TAP_CASE(histogram_never_answers_more_than_its_largest_value)
{
    histogram_clear(&histogram);
    histogram_add(&histogram, 1000001);

    tap_equal(histogram_quantile(&histogram, 0.5), 1000001);
    tap_equal(histogram_quantile(&histogram, 0.999), 1000001);
}

TAP_CASE(histogram_finds_the_rare_slow_one)
{
    histogram_clear(&histogram);
    for (int i = 0; i < 999; i++) {
        histogram_add(&histogram, 10);
    }
    histogram_add(&histogram, 5000000);

    tap_equal(histogram_quantile(&histogram, 0.5), 10);
    tap_equal(histogram_quantile(&histogram, 0.999), 10);
    tap_equal(histogram_quantile(&histogram, 0.9999), 5000000);
}

TAP_CASE(histogram_clear_forgets_everything)
{
    fill(1, 1000);

    histogram_clear(&histogram);
    histogram_add(&histogram, 3);

    tap_equal(histogram.count, 1);
    tap_equal(histogram_quantile(&histogram, 1), 3);
}

TAP_MAIN()
