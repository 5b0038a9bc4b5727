/* How the heap of the GNU C library is kept small. Other libraries are left as they are.
 *
 * Each thread that allocates gets a heap of its own by default (up to eight for each processor), and what a sick server once made large in
 * one is not used by another. Answers of some MiB come and go: they are mapped on their own, and given back as soon as they are dropped. By
 * default the first that is dropped teaches the library to take such sizes from the heap, which others then keep from shrinking. */

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

enum {
    HEAPS = 2,
    /* In bytes. */
    MAPPED_FROM = 128 << 10,
    GIVEN_BACK_FROM = 1 << 20
};

__attribute__((constructor)) static void keep_the_heap_small(void)
{
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    mallopt(M_TRIM_THRESHOLD, GIVEN_BACK_FROM);
}
#endif
