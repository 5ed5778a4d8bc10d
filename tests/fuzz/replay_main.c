/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main of a fuzz target outside libFuzzer: gives it every file of the folders named on the
 * command line, in the order of their names, and an empty input first. The name of the input is
 * printed before it is tried, so the log of a crash ends with the culprit.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* An input that takes longer than this is as wrong as one that crashes. */
#define INPUT_SECONDS 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_input(const char *name, const uint8_t *data, size_t size)
{
	/* A copy of the exact size, so that reading past its end is seen. */
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	for (size_t i = 0; i < size; i++)
		copy[i] = data[i];
	printf("# %s\n", name);
	fflush(stdout);
	alarm(INPUT_SECONDS);
	LLVMFuzzerTestOneInput(copy, size);
	alarm(0);
	free(copy);
}

static int try_file(const char *path)
{
	FILE *f = fopen(path, "rbe");
	struct stat st;
	uint8_t *data;
	size_t got;

	if (!f || fstat(fileno(f), &st) < 0) {
		perror(path);
		return -1;
	}
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		abort();
	got = fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	try_input(path, data, got);
	free(data);
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Returns how many inputs the folder held, or -1. A folder that is absent holds none. */
static int try_folder(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_visible, alphasort), failed = 0;

	if (n < 0)
		return 0;
	for (int i = 0; i < n; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/%s", folder, names[i]->d_name) < 0)
			abort();
		if (try_file(path) < 0)
			failed = 1;
		free(path);
		free(names[i]);
	}
	free(names);
	return failed ? -1 : n;
}

int main(int argc, char **argv)
{
	int count = 1;

	try_input("empty", (const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		const int n = try_folder(argv[i]);

		if (n < 0)
			return 2;
		count += n;
	}
	printf("ok replay of %d inputs\n", count);
	return 0;
}
