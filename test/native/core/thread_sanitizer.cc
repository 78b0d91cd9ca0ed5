// What ThreadSanitizer is wrong about.
#ifdef __SANITIZE_THREAD__

// The count of an exception's owners is in libstdc++, which is not instrumented: the sanitizer does
// not see that the last owner's end comes after everybody's use.
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}

#endif
