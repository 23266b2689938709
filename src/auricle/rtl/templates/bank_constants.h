#define {{guard}}_GENERATORS {{generators}}u /* registers; seed_index is the number of one */
#define {{guard}}_PERIOD UINT64_C({{period}}) /* cycles until the bank repeats */
static const uint32_t {{guard}}_SEEDS[{{generators}}] = { /* states after reset */
{{states}}
};
