/* expect: wrong_answer */
/* forbidden: the environment of the judge */
#include <string.h>
extern char **environ;
int main(void)
{
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "PATH=", 5) && strncmp(*e, "LANG=", 5) && strncmp(*e, "HOME=/tmp", 9) &&
            strncmp(*e, "TMPDIR=", 7))
            PW("environment");
    return 0;
}
