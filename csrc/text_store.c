/* csrc/text_store.c -- memory for texts that are kept; see text_store.h.
 *
 * Who calls: fragments.c; module.c at the end.
 * Memory goes back to the system only all at once: see text_store_trim.
 */
#include "text_store.h"
#include <stdlib.h>
#include <sys/mman.h>

#define SLAB ((size_t)2 << 20)

struct TextSlab {
    TextSlab *next;
    unsigned char *memory;
};

static int add_slab(TextStore *store)
{
    size_t blocks = (store->slab_count + 1) * (SLAB / TEXT_BLOCK);
    unsigned char **unused = realloc(store->unused, blocks * sizeof *unused);
    if (unused == NULL)
        return 0;
    store->unused = unused;
    TextSlab *slab = malloc(sizeof *slab);
    if (slab == NULL)
        return 0;
    unsigned char *memory = mmap(NULL, SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        free(slab);
        return 0;
    }
    *slab = (TextSlab){.next = store->slabs, .memory = memory};
    store->slabs = slab;
    store->slab_count++;
    store->fresh = memory;
    store->fresh_end = memory + SLAB;
    return 1;
}

unsigned char *text_store_take(TextStore *store)
{
    unsigned char *block = NULL;
    if (store->unused_count > 0)
        block = store->unused[--store->unused_count];
    else if (store->fresh < store->fresh_end || add_slab(store)) {
        block = store->fresh;
        store->fresh += TEXT_BLOCK;
    }
    store->taken += block != NULL;
    return block;
}

void text_store_give_back(TextStore *store, unsigned char *block)
{
    store->unused[store->unused_count++] = block;
    store->taken--;
}

void text_store_trim(TextStore *store)
{
    if (store->taken > 0)
        return;
    while (store->slabs != NULL) {
        TextSlab *slab = store->slabs;
        store->slabs = slab->next;
        munmap(slab->memory, SLAB);
        free(slab);
    }
    free(store->unused);
    *store = (TextStore){0};
}
