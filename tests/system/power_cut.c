/* Keeps what a disk holds for certain: a file's bytes as of its last fsync, a folder's names as of
   the folder's. Under $POWER_CUT_FOLDER; into $POWER_CUT_DISK, a file named by its inode each. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static void keep(int file) {
    const char *folder = getenv("POWER_CUT_FOLDER"), *disk = getenv("POWER_CUT_DISK");
    char link[64], path[PATH_MAX + 1] = "", draft[PATH_MAX], kept[PATH_MAX];
    struct stat status;
    struct dirent *entry;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (readlink(link, path, PATH_MAX) < 0 || strncmp(path, folder, strlen(folder)) || fstat(file, &status))
        return;
    snprintf(draft, sizeof draft, "%s/draft-%d", disk, file);
    FILE *out = fopen(draft, "w");
    if (!out) abort();
    if (S_ISDIR(status.st_mode)) {
        DIR *names = opendir(path);
        while ((entry = readdir(names)))
            if (entry->d_type == DT_REG) fprintf(out, "%lu %s\n", (unsigned long)entry->d_ino, entry->d_name);
        closedir(names);
        snprintf(kept, sizeof kept, "%s/names", disk);
    } else { /* Through this descriptor: to close another would drop SQLite's locks (fcntl(2)). */
        for (off_t at = 0; at < status.st_size;)
            if (sendfile(fileno(out), file, &at, status.st_size - at) <= 0) abort();
        snprintf(kept, sizeof kept, "%s/%lu", disk, (unsigned long)status.st_ino);
    }
    if (fclose(out) || rename(draft, kept)) abort(); /* A kill on the way leaves the last one whole. */
}

static int synced(const char *name, int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = real(file);
    if (result == 0) keep(file);
    return result;
}

int fsync(int file) { return synced("fsync", file); }
int fdatasync(int file) { return synced("fdatasync", file); }
