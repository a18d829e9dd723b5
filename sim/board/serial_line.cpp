// Runs soc_tb with its serial line on a pseudo-terminal: what a program writes there arrives at the board.
//
// Prints the terminal's name, then simulates until standard input is closed. +bit_cycles is the length of a bit.
// A bit takes at least four cycles; a start bit, eight data bits, a stop bit.

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "Vtop.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

// From the board: finds the middle of each bit after a falling edge.
struct Receiver {
  int bit_cycles, wait = -1, bits = 0, byte = 0;
  int take(int line) {  // a byte, or -1
    if (wait < 0) {
      if (!line) wait = bit_cycles + bit_cycles / 2 - 1, bits = byte = 0;
      return -1;
    }
    if (wait--) return -1;
    if (bits == 8) return byte;  // wait is -1 again: this was the stop bit
    byte |= line << bits++;
    wait = bit_cycles - 1;
    return -1;
  }
};

// To the board.
struct Sender {
  int bit_cycles, frame = 0, bits = 0, wait = 0, line = 1;
  bool idle() const { return bits == 0 && wait == 0; }
  void put(int byte) { frame = 0x200 | byte << 1, bits = 10, wait = 0; }
  void step() {
    if (wait > 0) {
      wait--;
    } else if (bits > 0) {
      line = frame & 1, frame >>= 1, bits--, wait = bit_cycles - 1;
    }
  }
};

int main(int count, char** arguments) {
  auto context = std::make_unique<VerilatedContext>();
  context->commandArgs(count, arguments);
  int bit_cycles = 4;
  const char* option = context->commandArgsPlusMatch("bit_cycles=");
  if (option && *option) bit_cycles = atoi(strchr(option, '=') + 1);

  int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (terminal < 0 || grantpt(terminal) || unlockpt(terminal)) return perror("pseudo-terminal"), 1;
  int other = open(ptsname(terminal), O_RDWR | O_NOCTTY);  // held open, so that programs may come and go
  termios settings;
  if (other < 0 || tcgetattr(other, &settings)) return perror("pseudo-terminal"), 1;
  cfmakeraw(&settings);
  tcsetattr(other, TCSANOW, &settings);
  printf("%s\n", ptsname(terminal));
  fflush(stdout);

  auto top = std::make_unique<Vtop>(context.get());
  Receiver receiver{bit_cycles};
  Sender sender{bit_cycles};
  unsigned char waiting[4096];
  int first = 0, last = 0;
  top->serial_rx = 1;
  for (unsigned long cycle = 0; !context->gotFinish(); cycle++) {
    top->rst = cycle < 16;
    if (sender.idle()) {
      if (first == last && cycle % 16 == 0) {
        int got = read(terminal, waiting, sizeof waiting);
        first = 0, last = got > 0 ? got : 0;
      }
      if (first < last && cycle > 64) sender.put(waiting[first++]);
    }
    sender.step();
    top->serial_rx = sender.line;
    // Both clocks rise together, and clk2x once more in between.
    for (int quarter = 0; quarter < 4; quarter++) {
      top->clk = quarter < 2;
      top->clk2x = quarter % 2 == 0;
      top->eval();
    }
    int byte = receiver.take(top->serial_tx);
    if (byte >= 0 && cycle > 64) {
      unsigned char out = byte;
      if (write(terminal, &out, 1) != 1) fprintf(stderr, "a byte was lost: nobody reads the terminal\n");
    }
    if (cycle % 65536 == 0) {
      pollfd in{0, POLLIN, 0};
      char ignored;
      if (poll(&in, 1, 0) > 0 && read(0, &ignored, 1) <= 0) break;
    }
  }
  top->final();
  return 0;
}
