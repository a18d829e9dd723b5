/* Runs an image on a core from user space of Linux, once for each input block of a file.
 *
 *     pointwise_linux [-i] REGISTERS MEMORY ADDRESS IMAGE INPUTS OUTPUTS
 *
 * REGISTERS and MEMORY are devices to map, at an offset if one is given behind an @. MEMORY is contiguous, and ADDRESS
 * where it is for the core. With -i the core's interrupt is waited for, which REGISTERS has to be a UIO device for.
 *
 *     pointwise_linux -i /dev/uio0 /dev/udmabuf0 $(cat /sys/class/u-dma-buf/udmabuf0/phys_addr) image.bin in.bin out.bin
 *     pointwise_linux /dev/mem@0x43c00000 /dev/mem@0x70000000 0x70000000 image.bin in.bin out.bin
 *
 * The second line needs memory that the kernel was told to leave alone (reserved-memory with no-map, or memmap=). For
 * the first one the core stands in the device tree as compatible = "generic-uio", with reg and interrupts, and the
 * kernel has uio_pdrv_genirq.of_id=generic-uio. O_SYNC makes these mappings uncached, so that nothing is to be done
 * about caches. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pointwise.h"

enum { REGISTER_BYTES = POINTWISE_PAGE_BYTES, POLL_NS = 100000, SECONDS = 60 };

static _Noreturn void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(EXIT_FAILURE);
}

static unsigned long long number(const char *text) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 0);
  if (errno || end == text || *end) fail(text, "is no number");
  return value;
}

static size_t page(size_t bytes) {
  return (bytes + POINTWISE_PAGE_BYTES - 1) / POINTWISE_PAGE_BYTES * POINTWISE_PAGE_BYTES;
}

/* Map a device, PATH or PATH@OFFSET; its file stays open. */
static volatile unsigned char *map(char *place, size_t bytes, int *file) {
  char *at = strchr(place, '@');
  off_t offset = at ? (off_t)number(at + 1) : 0;
  if (at) *at = 0;
  *file = open(place, O_RDWR | O_SYNC);
  if (*file < 0) fail(place, strerror(errno));
  void *found = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *file, offset);
  if (found == MAP_FAILED) fail(place, strerror(errno));
  return found;
}

static unsigned char *contents(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  struct stat about;
  if (!file || fstat(fileno(file), &about)) fail(path, strerror(errno));
  *size = (size_t)about.st_size;
  unsigned char *data = malloc(*size ? *size : 1);
  if (!data) fail(path, "is more than the memory takes");
  if (fread(data, 1, *size, file) != *size) fail(path, "cannot be read");
  fclose(file);
  return data;
}

/* Memory that is not cached is copied a word at a time: not every processor takes other accesses to it. */
static void copy_in(volatile unsigned char *to, const unsigned char *from, size_t bytes) {
  for (size_t done = 0; done < bytes; done += 4) {
    uint32_t word = 0;
    memcpy(&word, from + done, bytes - done < 4 ? bytes - done : 4);
    *(volatile uint32_t *)(to + done) = word;
  }
}

static void copy_out(unsigned char *to, const volatile unsigned char *from, size_t bytes) {
  for (size_t done = 0; done < bytes; done += 4) {
    uint32_t word = *(const volatile uint32_t *)(from + done);
    memcpy(to + done, &word, bytes - done < 4 ? bytes - done : 4);
  }
}

static int wait_for(const struct pointwise *core, int uio, bool interrupt) {
  if (interrupt) {
    uint32_t count;
    do
      if (read(uio, &count, sizeof count) != sizeof count) fail("the interrupt", strerror(errno));
    while (!pointwise_interrupt(core));
    return pointwise_status(core);
  }
  for (long left = SECONDS * (1000000000L / POLL_NS); left; left--) {
    int status = pointwise_wait(core, 1);
    if (status != POINTWISE_TIMEOUT) return status;
    nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
  }
  return POINTWISE_TIMEOUT;
}

static void expect(const char *what, int status) {
  if (status) fail(what, pointwise_text(status));
}

int main(int count, char **words) {
  bool interrupt = count > 1 && !strcmp(words[1], "-i");
  words += interrupt ? 2 : 1;
  if (count - interrupt != 7) {
    fprintf(stderr, "usage: pointwise_linux [-i] REGISTERS MEMORY ADDRESS IMAGE INPUTS OUTPUTS\n");
    return EXIT_FAILURE;
  }
  char *registers = words[0], *memory = words[1];
  unsigned long long address = number(words[2]);
  size_t image_size, inputs_size;
  unsigned char *image_data = contents(words[3], &image_size), *inputs = contents(words[4], &inputs_size);

  struct pointwise_image image;
  expect(words[3], pointwise_image(&image, image_data, image_size));
  if (!image.input_bytes || inputs_size % image.input_bytes) fail(words[4], "holds no whole number of input blocks");
  size_t input_at = page(image.bytes), output_at = input_at + page(image.input_bytes);
  size_t memory_size = output_at + page(image.output_bytes);
  if (address + memory_size > UINT64_C(1) << 32) fail(words[2], "lies where the core's registers cannot point to");

  int uio, file;
  struct pointwise core;
  expect(registers, pointwise_open(&core, map(registers, REGISTER_BYTES, &uio)));
  volatile unsigned char *mapped = map(memory, memory_size, &file);
  copy_in(mapped, image_data, image.bytes);
  uint32_t base = (uint32_t)address;
  expect(words[2], pointwise_set_window(&core, POINTWISE_WINDOW_IMAGE, base, image.bytes));
  expect(words[2], pointwise_set_window(&core, POINTWISE_WINDOW_INPUT, base + (uint32_t)input_at, image.input_bytes));
  expect(words[2],
         pointwise_set_window(&core, POINTWISE_WINDOW_OUTPUT, base + (uint32_t)output_at, image.output_bytes));

  FILE *outputs = fopen(words[5], "wb");
  unsigned char *block = malloc(image.output_bytes);
  if (!outputs || !block) fail(words[5], strerror(errno));
  for (size_t done = 0; done < inputs_size; done += image.input_bytes) {
    copy_in(mapped + input_at, inputs + done, image.input_bytes);
    if (interrupt && write(uio, &(uint32_t){1}, sizeof(uint32_t)) != sizeof(uint32_t))
      fail(registers, "has no interrupt");
    expect("start", pointwise_start(&core, interrupt));
    int status = wait_for(&core, uio, interrupt);
    struct pointwise_report report = pointwise_report(&core);
    if (status) {
      fprintf(stderr, "input %zu, instruction %" PRIu32 ", address 0x%" PRIx32 ": ", done / image.input_bytes,
              report.instruction, report.address);
      fail("the core stopped", pointwise_text(status));
    }
    printf("input %zu: %" PRIu32 " cycles\n", done / image.input_bytes, report.cycles);
    copy_out(block, mapped + output_at, image.output_bytes);
    if (fwrite(block, 1, image.output_bytes, outputs) != image.output_bytes) fail(words[5], strerror(errno));
  }
  if (fclose(outputs)) fail(words[5], strerror(errno));
  return EXIT_SUCCESS;
}
