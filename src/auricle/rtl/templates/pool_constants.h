#define {{guard}}_ROWS {{rows}}u /* rows of the pool; seed_index is the number of one, or ROWS for the counters */
#define {{guard}}_WORDS {{words}}u /* words of a row */
#define {{guard}}_ADDRESS_BITS {{address_bits}}u
