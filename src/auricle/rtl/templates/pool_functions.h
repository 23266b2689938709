/* seed_data of the counters, after which the engine sends the given direction: {stride, start}. */
static inline uint32_t {{name}}_counters(uint64_t direction) {
    uint32_t stride = 1;
    for (uint64_t left = direction % ({{guard}}_ROWS - 1); left; left--) stride = 2 * stride % {{guard}}_ROWS;
    uint32_t start = (uint32_t)((direction % {{guard}}_ROWS + stride) % {{guard}}_ROWS);
    return stride << {{guard}}_ADDRESS_BITS | start;
}
