/* csrc/record_index.c -- a hash table of slot numbers; see record_index.h.
 *
 * Who calls: collection.c. Open addressing, one step at a time; what follows a removed entry moves up, so that there are
 *   no tombstones. Whoever chooses the keys does not know the seed of the hashes, which is the interpreter's.
 */
#include "record_index.h"

#define ENTRIES_MIN 8

static void place(IndexEntry *entries, uint32_t mask, IndexEntry entry)
{
    uint32_t at = entry.hash & mask;
    while (entries[at].slot != 0)
        at = (at + 1) & mask;
    entries[at] = entry;
}

int index_reserve(RecordIndex *index)
{
    uint64_t room = index->entries == NULL ? 0 : (uint64_t)index->mask + 1;
    if ((uint64_t)(index->used + 1) * 3 <= room * 2)
        return 0;
    uint64_t more = room == 0 ? ENTRIES_MIN : room * 2;
    IndexEntry *entries = more > UINT32_MAX ? NULL : PyMem_Calloc(more, sizeof *entries);
    if (entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint64_t i = 0; i < room; i++)
        if (index->entries[i].slot != 0)
            place(entries, (uint32_t)(more - 1), index->entries[i]);
    PyMem_Free(index->entries);
    index->entries = entries;
    index->mask = (uint32_t)(more - 1);
    return 0;
}

void index_add(RecordIndex *index, uint32_t hash, uint32_t slot)
{
    place(index->entries, index->mask, (IndexEntry){slot + 1, hash});
    index->used++;
}

void index_remove(RecordIndex *index, IndexEntry *entry)
{
    uint32_t hole = (uint32_t)(entry - index->entries), mask = index->mask;
    for (uint32_t at = (hole + 1) & mask; index->entries[at].slot != 0; at = (at + 1) & mask) {
        uint32_t home = index->entries[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) { /* its way passes the hole */
            index->entries[hole] = index->entries[at];
            hole = at;
        }
    }
    index->entries[hole].slot = 0;
    index->used--;
}

void index_free(RecordIndex *index)
{
    PyMem_Free(index->entries);
    index->entries = NULL;
    index->mask = index->used = 0;
}
