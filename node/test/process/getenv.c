// Preloaded into a process: writes the name of each variable that is asked for, and the file whose code asks, to the file
// that GETENV_LOG names.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int log_file = -1;

static char *value_of(const char *name) {
  size_t length = strlen(name);
  for (char **entry = environ; entry && *entry; entry++) {
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  }
  return NULL;
}

static void record(const char *name, void *caller) {
  Dl_info info;
  if (log_file >= 0 && dladdr(caller, &info)) dprintf(log_file, "%s asks for %s\n", info.dli_fname, name);
}

char *getenv(const char *name) {
  record(name, __builtin_return_address(0));
  return value_of(name);
}

char *secure_getenv(const char *name) {
  record(name, __builtin_return_address(0));
  return value_of(name);
}

__attribute__((constructor)) static void open_log(void) {
  const char *path = value_of("GETENV_LOG");
  if (path) log_file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}
