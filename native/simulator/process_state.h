// Whether this process can still use the runtime: not the child of a fork, and not once its exit
// has come to the runtime's own handler. State: process lifetime.
#pragma once

namespace cuda_simulator {

// Registers the handlers; the first call counts. What a program registered with std::atexit before
// it runs after the runtime has ended, as with the real one.
void watch_process();

// How many forks lie between the process that was first watched and this one.
unsigned int forks();
// Process exit has unloaded the runtime.
bool unloading();

}  // namespace cuda_simulator
