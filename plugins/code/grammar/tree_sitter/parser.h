/* parser.h -- what a grammar made by a later tree-sitter expects of this header, over the one of
 * the installed library (0.20: the tables have the same form since ABI 14, only the macros that
 * fill them have changed). SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_TREE_SITTER_PARSER_H
#define CODE_TREE_SITTER_PARSER_H
#include_next <tree_sitter/parser.h>

#ifndef ADVANCE_MAP
typedef struct TSCharacterRange {
    int32_t start, end;
} TSCharacterRange;

/* Ranges are ascending. */
static inline bool set_contains(const TSCharacterRange *ranges, uint32_t n, int32_t c)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c < ranges[middle].start)
            high = middle;
        else if (c > ranges[middle].end)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

#define ADVANCE_MAP(...)                                                                           \
    {                                                                                              \
        static const uint16_t map[] = { __VA_ARGS__ };                                             \
        for (uint32_t i = 0; i < sizeof map / sizeof *map; i += 2) {                               \
            if (map[i] == lookahead) {                                                             \
                state = map[i + 1];                                                                \
                goto next_state;                                                                   \
            }                                                                                      \
        }                                                                                          \
    }
#undef REDUCE
#define REDUCE(symbol_id, children, precedence, production)                                        \
    {                                                                                              \
        {                                                                                          \
            .reduce = {                                                                            \
                .type = TSParseActionTypeReduce,                                                   \
                .symbol = symbol_id,                                                               \
                .child_count = children,                                                           \
                .dynamic_precedence = precedence,                                                  \
                .production_id = production                                                        \
            }                                                                                      \
        }                                                                                          \
    }
#endif
#endif
