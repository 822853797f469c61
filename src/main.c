/* SPDX-License-Identifier: MIT */
#include <stdio.h>

int main(void)
{
    puts("vpnd " VERSION);
    return 0;
}
