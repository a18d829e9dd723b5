/* A driver for pointwise_core that needs nothing but C11: no operating system, no library, no memory of its own.
 *
 *     struct pointwise core;
 *     struct pointwise_image image;
 *     int status = pointwise_open(&core, (void *)0x43c00000);
 *     if (!status) status = pointwise_image(&image, image_bytes_in_memory, size);
 *     if (!status) status = pointwise_set_window(&core, POINTWISE_WINDOW_IMAGE, image_address, image.bytes);
 *     if (!status) status = pointwise_set_window(&core, POINTWISE_WINDOW_INPUT, input_address, image.input_bytes);
 *     if (!status) status = pointwise_set_window(&core, POINTWISE_WINDOW_OUTPUT, output_address, image.output_bytes);
 *     if (!status) status = pointwise_start(&core, false);
 *     if (!status) status = pointwise_wait(&core, 1000000);
 *     if (status) puts(pointwise_text(status));
 *
 * A status is 0 where all is well, above 0 an error of the core (enum pointwise_error), below 0 one of the driver.
 * Addresses are those that the core's AXI4 master uses, which are physical ones. Where the processor has a data cache
 * that the core's bus does not look into, write image and input back from it before a start, and invalidate the output
 * before reading it. Windows and interrupt of a core belong to one thread at a time. */
#ifndef POINTWISE_H
#define POINTWISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pointwise_registers.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POINTWISE_AS_ENUM(name, code, text) POINTWISE_ERROR_##name = code,
enum pointwise_error {
  POINTWISE_ERRORS(POINTWISE_AS_ENUM)
  POINTWISE_OK = POINTWISE_ERROR_NONE,
  POINTWISE_NO_CORE = -1,       /* nothing at this address calls itself a core */
  POINTWISE_OTHER_VERSION = -2, /* the core's image format is not this header's */
  POINTWISE_BUSY = -3,          /* a run goes on */
  POINTWISE_UNALIGNED = -4,     /* a window must begin at a page */
  POINTWISE_TIMEOUT = -5,       /* still busy after so many polls */
  POINTWISE_NO_IMAGE = -6       /* these bytes are no image of this version, or not all of it */
};
#undef POINTWISE_AS_ENUM

struct pointwise {
  volatile void *registers; /* where they are mapped, or whatever the functions of POINTWISE_OWN_ACCESS want */
};

struct pointwise_core {
  unsigned rows, columns, lanes, bus_bytes;
  uint32_t max_tokens, act_words, res_words;
};

struct pointwise_image {
  uint32_t bytes, input_bytes, output_bytes;
};

struct pointwise_report {
  int status;
  uint32_t address;      /* on the bus, of an error of bus or windows */
  uint32_t instruction;  /* index in the program, of an error */
  uint32_t check_cycles; /* spent on checking the image */
  uint32_t cycles;       /* from then to the end */
  uint32_t causes[POINTWISE_CAUSE_COUNT]; /* what these went to; the sum is cycles */
};

/* How registers are read and written. Compile with POINTWISE_OWN_ACCESS, and define these two, where a volatile
 * pointer is not enough. */
#ifdef POINTWISE_OWN_ACCESS
uint32_t pointwise_read(const struct pointwise *core, uint32_t address);
void pointwise_write(const struct pointwise *core, uint32_t address, uint32_t value);
#else
static inline uint32_t pointwise_read(const struct pointwise *core, uint32_t address) {
  return ((volatile uint32_t *)core->registers)[address / 4];
}
static inline void pointwise_write(const struct pointwise *core, uint32_t address, uint32_t value) {
  ((volatile uint32_t *)core->registers)[address / 4] = value;
}
#endif

/* Look whether there is a core, and whether it takes images of this version. */
int pointwise_open(struct pointwise *core, volatile void *registers);

/* What the core's read-only registers say of it. */
struct pointwise_core pointwise_describe(const struct pointwise *core);

/* What the header of an image says; the core checks all the rest of it at a start. */
int pointwise_image(struct pointwise_image *image, const void *data, size_t size);

/* Give a window of memory, POINTWISE_WINDOW_IMAGE, _INPUT or _OUTPUT, to the runs from the next start on. Giving the
 * image's makes the next start check the image: do it whenever the image was changed. */
int pointwise_set_window(const struct pointwise *core, unsigned window, uint32_t base, uint32_t bytes);

/* Start a run on the windows, or a clear of the memories on chip, with or without an interrupt at its end. */
int pointwise_start(const struct pointwise *core, bool interrupt);
int pointwise_clear(const struct pointwise *core, bool interrupt);

/* How the last run or clear ended; POINTWISE_BUSY while it has not, or where there was none since the reset. */
int pointwise_status(const struct pointwise *core);

/* Look at most so many times, until the run or clear has ended; how it ended, or POINTWISE_TIMEOUT. */
int pointwise_wait(const struct pointwise *core, unsigned long polls);

/* For the handler of the interrupt, whose line is a level: takes it back. False where it was not this core's. */
bool pointwise_interrupt(const struct pointwise *core);

/* All that the registers tell of the last run. */
struct pointwise_report pointwise_report(const struct pointwise *core);

/* Cycles without progress after which a run ends with POINTWISE_ERROR_WATCHDOG; 0 for never. */
void pointwise_set_watchdog(const struct pointwise *core, uint32_t cycles);

/* A status as a sentence. */
const char *pointwise_text(int status);

#ifdef __cplusplus
}
#endif
#endif
