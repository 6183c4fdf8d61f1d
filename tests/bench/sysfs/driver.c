/*
 * A driver of user space, as people write them: DRIVER CONFIG RESOURCE prints what it finds, and goes on at each line of input.
 * Knows sysfs and nothing of this project; the tests run it, as it is, on the fixture and on the mount.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    uint16_t ids[3];
    int config = open(argv[1], O_RDONLY);
    if (argc < 3 || config < 0 || pread(config, ids, sizeof ids, 0) != sizeof ids) {
        perror("config");
        return 1;
    }
    int fd = open(argv[2], O_RDWR | O_SYNC);
    if (fd < 0) {
        perror("open");
        return 2;
    }
    volatile uint32_t *bar = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bar == MAP_FAILED) {
        perror("mmap");
        return 3;
    }
    printf("%04x:%04x %08x\n", ids[0], ids[1], bar[4]);
    bar[5] = 0xc0ffee;
    fflush(stdout);
    while (getchar() == '\n') {
        bar[6] = 0xdead;
        printf("%08x\n", bar[4]);
        fflush(stdout);
    }
    return 0;
}
