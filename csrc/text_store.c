/* csrc/text_store.c -- memory for texts that are kept; see text_store.h.
 *
 * Who calls: fragments.c; module.c at the end.
 * Memory goes back to the system only all at once: see text_store_trim.
 */
#include "text_store.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLAB ((size_t)2 << 20)

struct TextSlab {
    TextSlab *next;
    unsigned char *memory;
};

static int add_slab(TextStore *store)
{
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
    store->fresh = memory;
    store->fresh_end = memory + SLAB;
    return 1;
}

unsigned char *text_store_take(TextStore *store)
{
    unsigned char *block = store->unused;
    if (block != NULL)
        memcpy(&store->unused, block, sizeof store->unused);
    else if (store->fresh < store->fresh_end || add_slab(store)) {
        block = store->fresh;
        store->fresh += TEXT_BLOCK;
    }
    store->taken += block != NULL;
    return block;
}

void text_store_give_back(TextStore *store, unsigned char *block)
{
    memcpy(block, &store->unused, sizeof store->unused);
    store->unused = block;
    store->taken--;
}

void text_store_trim(TextStore *store)
{
    while (store->taken == 0 && store->slabs != NULL) {
        TextSlab *slab = store->slabs;
        store->slabs = slab->next;
        munmap(slab->memory, SLAB);
        free(slab);
        if (store->slabs == NULL)
            *store = (TextStore){0};
    }
}
