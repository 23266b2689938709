/* cfg_pad: cycles to run idle after a direction, so that no direction comes again before all have come. */
static inline uint32_t {{name}}_pad(uint64_t dimension) {
    uint64_t rows = {{name}}_rows(dimension);
    for (uint32_t pad = 0;; pad++) {
        uint64_t a = rows + pad, b = {{guard}}_PERIOD;
        while (b) {
            uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) return pad;
    }
}
