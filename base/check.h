/* Assertions that stay on in release builds: a failed check is a bug in weir,
 * never in its input, and ends the process before it can do harm. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define check(condition) \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

/* Marks a place that no input can reach. */
#define check_unreachable() check_failed("unreachable", __FILE__, __LINE__)

_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
