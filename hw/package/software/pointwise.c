#include "pointwise.h"

#include <stdatomic.h>

/* Between what the processor and what the core does with memory. The default orders the processor's own accesses;
 * define another one where the way to the core needs more, such as a "dsb sy". */
#ifndef POINTWISE_BARRIER
#define POINTWISE_BARRIER() atomic_thread_fence(memory_order_seq_cst)
#endif

int pointwise_open(struct pointwise *core, volatile void *registers) {
  core->registers = registers;
  if (pointwise_read(core, POINTWISE_REG_MAGIC) != POINTWISE_MAGIC) return POINTWISE_NO_CORE;
  if (pointwise_read(core, POINTWISE_REG_VERSION) != POINTWISE_VERSION) return POINTWISE_OTHER_VERSION;
  return POINTWISE_OK;
}

static unsigned part(uint32_t word, uint32_t mask, unsigned shift) { return (word & mask) >> shift; }

struct pointwise_core pointwise_describe(const struct pointwise *core) {
  uint32_t shape = pointwise_read(core, POINTWISE_REG_SHAPE);
  return (struct pointwise_core){
      .rows = part(shape, POINTWISE_SHAPE_ROWS, POINTWISE_SHAPE_ROWS_SHIFT),
      .columns = part(shape, POINTWISE_SHAPE_COLUMNS, POINTWISE_SHAPE_COLUMNS_SHIFT),
      .lanes = part(shape, POINTWISE_SHAPE_LANES, POINTWISE_SHAPE_LANES_SHIFT),
      .bus_bytes = part(shape, POINTWISE_SHAPE_BUS_BYTES, POINTWISE_SHAPE_BUS_BYTES_SHIFT),
      .max_tokens = pointwise_read(core, POINTWISE_REG_MAX_TOKENS),
      .act_words = pointwise_read(core, POINTWISE_REG_ACT_WORDS),
      .res_words = pointwise_read(core, POINTWISE_REG_RES_WORDS),
  };
}

static uint32_t header_word(const unsigned char *data, size_t offset) {
  return data[offset] | (uint32_t)data[offset + 1] << 8 | (uint32_t)data[offset + 2] << 16 |
         (uint32_t)data[offset + 3] << 24;
}

int pointwise_image(struct pointwise_image *image, const void *data, size_t size) {
  if (size < POINTWISE_IMAGE_HEADER_BYTES || header_word(data, POINTWISE_IMAGE_MAGIC) != POINTWISE_MAGIC ||
      header_word(data, POINTWISE_IMAGE_VERSION) != POINTWISE_VERSION)
    return POINTWISE_NO_IMAGE;
  image->bytes = header_word(data, POINTWISE_IMAGE_LENGTH);
  image->input_bytes = header_word(data, POINTWISE_IMAGE_INPUT_BYTES);
  image->output_bytes = header_word(data, POINTWISE_IMAGE_OUTPUT_BYTES);
  return image->bytes > size ? POINTWISE_NO_IMAGE : POINTWISE_OK;
}

int pointwise_set_window(const struct pointwise *core, unsigned window, uint32_t base, uint32_t bytes) {
  static const uint32_t registers[POINTWISE_WINDOW_COUNT][2] = {
      [POINTWISE_WINDOW_IMAGE] = {POINTWISE_REG_IMAGE_BASE, POINTWISE_REG_IMAGE_BYTES},
      [POINTWISE_WINDOW_INPUT] = {POINTWISE_REG_INPUT_BASE, POINTWISE_REG_INPUT_BYTES},
      [POINTWISE_WINDOW_OUTPUT] = {POINTWISE_REG_OUTPUT_BASE, POINTWISE_REG_OUTPUT_BYTES},
  };
  if (base % POINTWISE_PAGE_BYTES) return POINTWISE_UNALIGNED;
  pointwise_write(core, registers[window][0], base);
  pointwise_write(core, registers[window][1], bytes);
  return POINTWISE_OK;
}

static int command(const struct pointwise *core, uint32_t what, bool interrupt) {
  if (pointwise_read(core, POINTWISE_REG_STATUS) & POINTWISE_STATUS_BUSY) return POINTWISE_BUSY;
  pointwise_write(core, POINTWISE_REG_INTERRUPT, POINTWISE_INTERRUPT_PENDING); /* of a run that was polled for */
  POINTWISE_BARRIER();
  pointwise_write(core, POINTWISE_REG_CONTROL, what | (interrupt ? POINTWISE_CONTROL_INTERRUPT_ENABLE : 0));
  return POINTWISE_OK;
}

int pointwise_start(const struct pointwise *core, bool interrupt) {
  return command(core, POINTWISE_CONTROL_START, interrupt);
}

int pointwise_clear(const struct pointwise *core, bool interrupt) {
  return command(core, POINTWISE_CONTROL_CLEAR, interrupt);
}

int pointwise_status(const struct pointwise *core) {
  uint32_t status = pointwise_read(core, POINTWISE_REG_STATUS);
  POINTWISE_BARRIER();
  if (!(status & (POINTWISE_STATUS_DONE | POINTWISE_STATUS_ERROR))) return POINTWISE_BUSY;
  return (int)part(status, POINTWISE_STATUS_CODE, POINTWISE_STATUS_CODE_SHIFT);
}

int pointwise_wait(const struct pointwise *core, unsigned long polls) {
  while (polls--) {
    int status = pointwise_status(core);
    if (status != POINTWISE_BUSY) return status;
  }
  return POINTWISE_TIMEOUT;
}

bool pointwise_interrupt(const struct pointwise *core) {
  if (!(pointwise_read(core, POINTWISE_REG_INTERRUPT) & POINTWISE_INTERRUPT_PENDING)) return false;
  pointwise_write(core, POINTWISE_REG_INTERRUPT, POINTWISE_INTERRUPT_PENDING);
  (void)pointwise_read(core, POINTWISE_REG_INTERRUPT); /* the line is low before the handler returns */
  return true;
}

struct pointwise_report pointwise_report(const struct pointwise *core) {
  struct pointwise_report report = {
      .status = pointwise_status(core),
      .address = pointwise_read(core, POINTWISE_REG_ERROR_ADDRESS),
      .instruction = pointwise_read(core, POINTWISE_REG_ERROR_INSTRUCTION),
      .check_cycles = pointwise_read(core, POINTWISE_REG_CHECK_CYCLES),
      .cycles = pointwise_read(core, POINTWISE_REG_CYCLES),
  };
#define POINTWISE_COUNT(name, number) report.causes[number] = pointwise_read(core, POINTWISE_REG_CAUSES_##name);
  POINTWISE_CAUSES(POINTWISE_COUNT)
#undef POINTWISE_COUNT
  return report;
}

void pointwise_set_watchdog(const struct pointwise *core, uint32_t cycles) {
  pointwise_write(core, POINTWISE_REG_WATCHDOG, cycles);
}

const char *pointwise_text(int status) {
  switch (status) {
#define POINTWISE_CASE(name, code, text) case code: return text;
    POINTWISE_ERRORS(POINTWISE_CASE)
#undef POINTWISE_CASE
    case POINTWISE_NO_CORE: return "no Pointwise core answers at this address";
    case POINTWISE_OTHER_VERSION: return "the core takes images of another version than this software was made for";
    case POINTWISE_BUSY: return "the core is busy";
    case POINTWISE_UNALIGNED: return "a window of memory does not begin at a page";
    case POINTWISE_TIMEOUT: return "the core was still busy when the time was up";
    case POINTWISE_NO_IMAGE: return "these bytes are no whole image of the version that this software was made for";
    default: return "an error that this software does not know";
  }
}
