/* near_aid.h - doubles that are to be equal within a tolerance; cmocka 1.1.5 knows floats only. */

#ifndef TESTS_NEAR_AID_H
#define TESTS_NEAR_AID_H

#include <math.h>

/* Fails where x and y differ by more than the tolerance (0: where they are not equal) or one is
 * NaN, and prints them. */
#define assert_near(x, y, tolerance)                                         \
	do {                                                                 \
		double x_ = (x), y_ = (y);                                   \
		if (!(x_ == y_ || fabs(x_ - y_) <= (tolerance)))             \
			fail_msg("%s is %.17g, expected %.17g", #x, x_, y_); \
	} while (0)

#endif
