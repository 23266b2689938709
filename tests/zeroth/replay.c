/* Replays a ledger of auricle from its definition alone (docs/ledger.md, docs/perturbations.md), step by step in
 * float32. Pool, row_pool, signs, uniform and lfsr; C99 and its standard library. No byte is checked here that verify() checks.
 *
 *     replay LEDGER BASE OUT      BASE and OUT: float32 weights in flat order
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what) {
    fprintf(stderr, "replay: %s\n", what);
    exit(1);
}

static void *allocate(size_t size) {
    void *made = malloc(size ? size : 1);
    if (!made) fail("out of memory");
    return made;
}

static unsigned char *contents(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail("a file can't be opened");
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *data = allocate(*size + 1);
    if (fread(data, 1, *size, file) != *size) fail("a file can't be read");
    fclose(file);
    data[*size] = 0;
    return data;
}

/* --- numbers of the header: its JSON is canonical, and within a text every quote stands behind a backslash, so that a
 * pattern that begins and ends with a plain quote can only match a key --- */

static const char *behind(const char *json, const char *pattern) {
    const char *at = strstr(json, pattern);
    if (!at) fail(pattern);
    return at + strlen(pattern);
}

/* Of the seed, which may be negative or take 64 bits, only the remainder modulo 2^64 counts. */
static uint64_t number(const char *json, const char *key) {
    const char *at = behind(json, key);
    int negative = *at == '-';
    uint64_t value = 0;
    for (at += negative; *at >= '0' && *at <= '9'; at++) value = 10 * value + (uint64_t)(*at - '0');
    return negative ? 0 - value : value;
}

/* --- SplitMix64 --- */

#define GAMMA UINT64_C(0x9E3779B97F4A7C15)

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static uint64_t key_of(uint64_t seed, uint64_t part) { return mix(mix(seed) + (part + 1) * GAMMA); }

static uint64_t word_of(uint64_t stream, uint64_t counter) { return mix(stream + (counter + 1) * GAMMA); }

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int odd(uint64_t word, unsigned bits) { return 2 * (int)word + 1 - (1 << bits); }

/* --- the perturbation --- */

enum kind { POOL, ROW_POOL, LFSR, FRESH };

struct bank {
    uint64_t n, lanes, rotation;
    uint64_t *phase, *period; /* of each register */
    uint32_t **states;        /* of each register's width */
};

struct perturbation {
    enum kind kind;
    unsigned bits;
    uint64_t seed, length, size;
    int *numbers; /* of the pool */
    uint64_t rows, words, lanes;
    struct bank bank;
};

/* With repeats "pad": the smallest length from the dimension (or its cycles) on that shares no factor with the period. */
static uint64_t spaced(uint64_t length, uint64_t period, int pad) {
    while (pad && gcd(length, period) != 1) length++;
    return length;
}

struct place {
    uint64_t word, index;
};

static int by_word(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->word != y->word) return x->word < y->word ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void make_pool(struct perturbation *p) {
    struct place *order = allocate(p->size * sizeof *order);
    for (uint64_t j = 0; j < p->size; j++) order[j] = (struct place){word_of(mix(p->seed), j), j};
    qsort(order, p->size, sizeof *order, by_word);
    p->numbers = allocate(p->size * sizeof *p->numbers);
    for (uint64_t j = 0; j < p->size; j++) {
        uint64_t i = order[j].index, mirror = p->size - 1 - i, lower = i <= mirror ? i : mirror;
        uint64_t quantile = ((2 * lower + 1) << p->bits) / (2 * p->size);
        p->numbers[j] = odd(i <= mirror ? quantile : (1u << p->bits) - 1 - quantile, p->bits);
    }
    free(order);
}

/* Taps from 1 on, as bits, for widths 3 to 20. */
static const uint32_t TAPS[] = {
    0x6, 0xC, 0x14, 0x30, 0x60, 0xB8, 0x110, 0x240, 0x500, 0x829, 0x100D, 0x2015, 0x6000, 0xD008, 0x12000, 0x20400,
    0x40023, 0x90000,
};

static unsigned parity(uint32_t x) {
    unsigned sum = 0;
    for (; x; x &= x - 1) sum ^= 1;
    return sum;
}

/* All states of a register from state 1 on, a leap of at least `bits` clocks apart. */
static uint32_t *walk(unsigned width, unsigned bits) {
    uint32_t mask = (UINT32_C(1) << width) - 1, state = 1;
    uint32_t *states = allocate(mask * sizeof *states);
    uint64_t leap = bits;
    while (gcd(leap, mask) != 1) leap++;
    for (uint32_t place = 0; place < mask; place++) {
        states[place] = state;
        for (uint64_t clock = 0; clock < leap; clock++)
            state = ((state << 1) | parity(state & TAPS[width - 3])) & mask;
    }
    return states;
}

/* Clocks from register 0 of a width to register m of `share`: D (m^2 mod 2q), q the first odd prime from share on. */
static uint64_t quadratic(uint64_t m, uint64_t share, uint64_t period) {
    uint64_t prime = share < 3 ? 3 : share;
    for (uint64_t factor = 2; factor * factor <= prime; factor++)
        if (prime % factor == 0) {
            prime++;
            factor = 1;
        }
    return period / (2 * prime) * (m * m % (2 * prime));
}

/* Leaps that a single clock is as good as, modulo the period. */
static uint64_t leaps_of_a_clock(uint64_t period, unsigned bits) {
    uint64_t leap = bits, leaps = 1;
    while (gcd(leap, period) != 1) leap++;
    while (leap * leaps % period != 1) leaps++;
    return leaps;
}

static void make_bank(struct perturbation *p, const char *json, uint64_t dimension, int pad) {
    struct bank *b = &p->bank;
    unsigned widths[32], count = 0;
    const char *at = behind(json, "\"widths\":[");
    for (char *next; count < 32; at = next + 1) {
        widths[count++] = (unsigned)strtoul(at, &next, 10);
        if (*next == ']') break;
    }
    b->n = number(json, "\"generators\":");
    b->lanes = strncmp(behind(json, "\"lanes\":"), "null", 4) ? number(json, "\"lanes\":") : b->n;
    b->rotation = b->lanes % b->n;
    int even = !strstr(json, "\"spacing\":\"quadratic\"");
    b->phase = allocate(b->n * sizeof *b->phase);
    b->period = allocate(b->n * sizeof *b->period);
    b->states = allocate(b->n * sizeof *b->states);
    uint64_t period = b->n / gcd(b->n, b->rotation);
    for (unsigned w = 0; w < count; w++) {
        uint64_t mine = (UINT64_C(1) << widths[w]) - 1, share = 0, turn = 0;
        uint64_t leaps = leaps_of_a_clock(mine, p->bits);
        uint32_t *states = walk(widths[w], p->bits);
        for (uint64_t g = 0; g < b->n; g++) share += g * count / b->n == w;
        for (uint64_t g = 0; g < b->n; g++) {
            if (g * count / b->n != w) continue;
            uint64_t ahead = even ? turn * mine / share : quadratic(turn, share, mine) * leaps;
            turn++;
            b->phase[g] = (key_of(p->seed, widths[w]) % mine + ahead) % mine;
            b->period[g] = mine;
            b->states[g] = states;
        }
        period *= mine / gcd(period, mine);
    }
    p->length = spaced((dimension + b->lanes - 1) / b->lanes, period, pad);
}

static int from_bank(const struct bank *b, uint64_t start, uint64_t index, unsigned bits) {
    uint64_t cycle = index / b->lanes, lane = index % b->lanes;
    uint64_t g = (lane + (start + cycle) % b->n * b->rotation) % b->n;
    uint32_t state = b->states[g][(b->phase[g] + start % b->period[g] + cycle) % b->period[g]];
    return odd(state & ((UINT32_C(1) << bits) - 1), bits);
}

static int from_stream(uint64_t seed, uint64_t direction, uint64_t index, unsigned bits) {
    unsigned share = 64 / bits;
    uint64_t word = word_of(key_of(seed, direction), index / share) >> (index % share * bits);
    return odd(word & ((UINT64_C(1) << bits) - 1), bits);
}

static struct perturbation perturbation(const char *json, uint64_t dimension) {
    struct perturbation p = {.kind = FRESH, .bits = 1};
    int pad;
    json = behind(json, "\"perturbation\":{");
    const char *kind = behind(json, "\"kind\":\"");
    pad = !strncmp(kind, "pool", 4) || !strncmp(kind, "lfsr", 4) ? *behind(json, "\"repeats\":\"") == 'p' : 0;
    p.seed = number(json, "\"seed\":");
    if (strncmp(kind, "signs", 5)) p.bits = (unsigned)number(json, "\"bits\":");
    if (!strncmp(kind, "pool", 4)) {
        p.kind = POOL;
        p.size = number(json, "\"size\":");
        p.length = spaced(dimension, p.size, pad);
        make_pool(&p);
    } else if (!strncmp(kind, "row_pool", 8)) {
        p.kind = ROW_POOL;
        p.rows = number(json, "\"rows\":");
        p.words = number(json, "\"words\":");
        p.lanes = number(json, "\"lanes\":");
        p.size = p.rows * p.words;
        make_pool(&p);
    } else if (!strncmp(kind, "lfsr", 4)) {
        p.kind = LFSR;
        make_bank(&p, json, dimension, pad);
    }
    return p;
}

static int from_rows(const struct perturbation *p, uint64_t direction, uint64_t index) {
    uint64_t stride = 1;
    for (uint64_t i = direction % (p->rows - 1); i; i--) stride = 2 * stride % p->rows;
    uint64_t row = (direction % p->rows + stride * (index / p->lanes % p->rows + 1)) % p->rows;
    return p->numbers[row * p->words + index % p->lanes % p->words];
}

static int integer(const struct perturbation *p, uint64_t direction, uint64_t index) {
    switch (p->kind) {
    case POOL: return p->numbers[(direction * p->length + index) % p->size];
    case ROW_POOL: return from_rows(p, direction, index);
    case LFSR: return from_bank(&p->bank, direction * p->length, index, p->bits);
    default: return from_stream(p->seed, direction, index, p->bits);
    }
}

/* --- the weights' groups --- */

struct weights {
    uint64_t count, queries, groups;
    unsigned *group; /* of each weight */
    float *unit;     /* 2^-grid of each group */
};

static float power(int exponent) {
    float value = 1.0f;
    for (; exponent > 0; exponent--) value *= 2.0f;
    for (; exponent < 0; exponent++) value *= 0.5f;
    return value;
}

static struct weights layout(const char *json) {
    struct weights w = {number(json, "\"dimension\":"), number(json, "\"queries\":"), 0, NULL, NULL};
    const char *at = behind(json, "\"groups\":["), *end = strchr(at, ']');
    for (const char *c = at; c < end; c++) w.groups += *c == '{';
    w.unit = allocate(w.groups * sizeof *w.unit);
    for (uint64_t g = 0; g < w.groups; g++) {
        w.unit[g] = power(-(int)(int64_t)number(at, "\"grid\":"));
        at = behind(at, "\"grid\":");
    }
    w.group = allocate(w.count * sizeof *w.group);
    at = behind(json, "\"tensors\":[");
    for (uint64_t done = 0; done < w.count;) {
        unsigned group = (unsigned)number(at, "\"group\":");
        uint64_t size = 1;
        at = behind(at, "\"shape\":[");
        for (char *next; *at != ']'; at = *next == ',' ? next + 1 : next) size *= strtoull(at, &next, 10);
        while (size--) w.group[done++] = group;
    }
    return w;
}

/* --- the records --- */

static unsigned word16(const unsigned char *at) { return at[0] | (unsigned)at[1] << 8; }

static void step(float *weights, const struct weights *w, const struct perturbation *p, const unsigned char *record,
                 const unsigned char *exponents, uint64_t first) {
    for (uint64_t j = 0; j < w->queries; j++)
        for (uint64_t i = 0; i < w->count; i++) {
            unsigned group = w->group[i], word = word16(record + 2 * (j * w->groups + group));
            int multiplier = (word < 0x8000 ? (int)word : (int)word - 0x10000) * (1 << exponents[group]);
            float scaled = (float)multiplier * w->unit[group];
            weights[i] = weights[i] - scaled * (float)integer(p, first + j, i);
        }
}

static void apply(float *weights, const struct weights *w, const struct perturbation *p, const unsigned char *at,
                  const unsigned char *end) {
    uint64_t size = 2 * w->queries * w->groups, direction = 0;
    unsigned char *exponents = allocate(w->groups);
    memset(exponents, 0, w->groups);
    while (end - at >= 2) {
        uint64_t left = (uint64_t)(end - at), taken = size;
        int escape = word16(at) == 0x8000;
        if (escape && left < 4) break;
        if (escape) taken = at[2] == 'N' ? 4 : at[2] == 'E' ? 4 + (w->groups + 1) / 2 * 2 : 40;
        if (taken > left) break;
        if (!escape) step(weights, w, p, at, exponents, direction);
        if (!escape || at[2] == 'N') direction += w->queries;
        if (escape && at[2] == 'E') memcpy(exponents, at + 4, w->groups);
        at += taken;
    }
    free(exponents);
}

int main(int argc, char **argv) {
    size_t size, given;
    if (argc != 4) fail("three paths are needed: ledger, base, out");
    unsigned char *ledger = contents(argv[1], &size);
    if (size < 12 || memcmp(ledger, "AURLEDG1", 8)) fail("no ledger");
    size_t length = word16(ledger + 8) | (size_t)word16(ledger + 10) << 16;
    char *json = allocate(length + 1);
    memcpy(json, ledger + 12, length);
    json[length] = 0;

    struct weights w = layout(json);
    struct perturbation p = perturbation(json, w.count);
    float *weights = (float *)contents(argv[2], &given);
    if (given != w.count * sizeof *weights) fail("a base of another size");
    apply(weights, &w, &p, ledger + 12 + length + 32, ledger + size);

    FILE *out = fopen(argv[3], "wb");
    if (!out || fwrite(weights, sizeof *weights, w.count, out) != w.count || fclose(out)) fail("OUT can't be written");
    return 0;
}
