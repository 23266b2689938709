/* cfg_pad: none; the spec lets directions repeat, or refuses dimensions for which they would. */
static inline uint32_t {{name}}_pad(uint64_t dimension) {
    (void)dimension;
    return 0;
}
