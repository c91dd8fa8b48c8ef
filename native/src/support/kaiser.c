#include "support/kaiser.h"

#include <math.h>

/* Modified Bessel function of order 0, by its power series. */
static double bessel_i0(double x) {
    double sum = 1, term = 1;
    for (int k = 1; term > 1e-18 * sum; ++k) {
        const double factor = x / (2 * k);
        term *= factor * factor;
        sum += term;
    }
    return sum;
}

double tagnode_kaiser(double x, double beta) {
    return bessel_i0(beta * sqrt(1 - x * x));
}
