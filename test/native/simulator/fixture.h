// A fresh simulated world for each test.
#pragma once

#include "runtime_fixture.h"

namespace cuda_simulator {

class SimulatorTest : public RuntimeTest {
 protected:
  SimulatorTest() { begin({}); }
  ~SimulatorTest() override { release_hangs(); }
  void SetUp() override {}

  static void begin(const Settings& settings) { reset(settings); }
};

}  // namespace cuda_simulator
