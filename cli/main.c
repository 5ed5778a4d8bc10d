/* SPDX-License-Identifier: Apache-2.0 */
/* The img command. Everything else of it is in cli/'s archive, where the tests reach it. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
