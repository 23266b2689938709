
/* The update lane: weights are two's complement of WEIGHT_BITS bits, a coefficient C stands for C / 2^FRACTION_BITS. */
#define {{guard}}_WEIGHT_BITS {{weight_bits}}u
#define {{guard}}_COEFFICIENT_BITS {{coefficient_bits}}u
#define {{guard}}_FRACTION_BITS {{fraction_bits}}u
#define {{guard}}_ONE (1 << {{guard}}_FRACTION_BITS) /* w - u; -ONE gives w + u */

/* The coefficient nearest to c, halves away from zero; one out of range becomes the greatest on its side. */
static inline int32_t {{name}}_coefficient(double c) {
    const double most = (double)((1 << ({{guard}}_COEFFICIENT_BITS - 1)) - 1);
    double scaled = c * {{guard}}_ONE;
    if (scaled > most) scaled = most;
    if (scaled < -most) scaled = -most;
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}
