/* csrc/record_index.h -- where in a collection the record with a key is.
 *
 * Who includes it: record_index.c, collection.c.
 * A hash table of slot numbers, 8 bytes an entry and at most 2/3 full: keys are read where they are, in the records.
 */
#ifndef LIBACTOR_RECORD_INDEX_H
#define LIBACTOR_RECORD_INDEX_H

#include "record.h"

typedef struct {
    uint32_t slot; /* plus one; 0: the entry is free */
    uint32_t hash;
} IndexEntry;

typedef struct {
    IndexEntry *entries; /* owned; NULL before the first record */
    uint32_t mask, used; /* one less than their number, a power of two */
} RecordIndex;

/* Room for one more entry: 0, or -1 with MemoryError. */
int index_reserve(RecordIndex *index);
/* Add a slot that is not there; there is room. */
void index_add(RecordIndex *index, uint32_t hash, uint32_t slot);
/* Take an entry out. */
void index_remove(RecordIndex *index, IndexEntry *entry);
void index_free(RecordIndex *index);

#endif
