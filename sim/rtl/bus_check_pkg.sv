// How a bus checker tells what it found.
//
// One line per violation, always of the same form, so that sim.bench can find it in the log. The simulation stops
// at the first one, unless +axi_check=report asks for all of them.

package bus_check_pkg;

  task automatic violation(input string rule, input longint cycle, input string text);
    string mode;
    $display("AXI CHECK: %s at cycle %0d: %s", rule, cycle, text);
    if (!($value$plusargs("axi_check=%s", mode) && mode == "report")) $fatal(1, "bus protocol violated");
  endtask

endpackage
