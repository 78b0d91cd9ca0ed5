// Names and sentences of the runtime's error codes, by number: a toolkit may lack the newest. No
// state.
#pragma once

namespace cuda_simulator {

struct ErrorText {
  int code;
  const char* name;
  const char* text;
};

// nullptr for a number that names no error.
const ErrorText* error_text(int code);

}  // namespace cuda_simulator
