//! The rule table: how a client may name a file, what is mapped, what the container has.

use super::*;
use expect_test::expect;

const CODE: &str = "/mnt/azureml/exe/wd";

/// One line of the table: the diagnosis of a file under one mapping to [`CODE`].
fn row(local: &str, source: &str, resolved: Option<&str>, found: &[&str]) -> String {
    let mappings = [(local.to_owned(), CODE.to_owned())];
    let code = ("/home/me/iris/src".to_owned(), CODE.to_owned());
    let complaint = Complaint { source, resolved, mappings: &mappings, code: Some(&code) };
    let found: Vec<String> = found.iter().map(|path| (*path).to_owned()).collect();
    let Diagnosis { message, pair } = complaint.examine(&found);
    let tried = complaint.tried().unwrap_or_else(|| "-".to_owned());
    let pair = pair.map_or_else(|| "-".to_owned(), |(local, remote)| format!("{local} => {remote}"));
    format!(
        "{source}\n    mapped  {local}\n    tried   {tried}\n    {}\n    {pair}\n    {message}\n",
        message.id
    )
}

#[test]
fn every_way_to_miss_a_file_has_its_cause_and_its_mapping() {
    let there = "/mnt/azureml/exe/wd/pkg/part.py";
    let rows = [
        // Another checkout of the same code, and a mapping that begins at the wrong folder.
        row("/home/me/iris/src", "/home/me/other/src/pkg/part.py", None, &[there]),
        row("/home/me/iris", "/home/me/iris/src/pkg/part.py", None, &[there]),
        // Windows: drives in either case, either slash; a share.
        row(r"d:\iris", r"C:\Users\me\iris\src\pkg\part.py", None, &[there]),
        row(r"C:\Users\me\iris", r"c:\users\me\iris\src\pkg\part.py", None, &[there]),
        row(r"\\server\share\iris", r"\\server\share\iris\src\pkg\part.py", None, &[there]),
        // The same Linux folder seen from Windows and from inside, and a drive of Windows seen from Linux.
        row("/home/me/iris/src", r"\\wsl$\Ubuntu\home\me\iris\src\pkg\part.py", None, &[there]),
        row("/home/me/iris/src", r"\\wsl.localhost\Ubuntu\home\me\iris\src\pkg\part.py", None, &[there]),
        row(r"\\wsl.localhost\Ubuntu\home\me\iris\src", "/home/me/iris/src/pkg/part.py", None, &[there]),
        row(r"C:\Users\me\iris\src", "/mnt/c/Users/me/iris/src/pkg/part.py", None, &[there]),
        // A link to the folder that is mapped.
        row("/home/me/iris/src", "/srv/link/pkg/part.py", Some("/home/me/iris/src/pkg/part.py"), &[there]),
        // Case: of a folder, of the file itself.
        row(r"c:\iris\src", r"c:\iris\src\Pkg\part.py", None, &[there]),
        row(r"c:\iris\src", r"c:\iris\src\pkg\Part.py", None, &[there]),
        // A library that is installed in the image; several files of one name; none.
        row(
            "/home/me/iris/src",
            "/home/me/lib/src/lib/core.py",
            None,
            &["/usr/lib/python3/dist-packages/lib/core.py"],
        ),
        row(
            "/home/me/iris/src",
            "/x/b/util.py",
            None,
            &["/mnt/azureml/exe/wd/a/util.py", "/mnt/azureml/exe/wd/b/util.py"],
        ),
        row("/home/me/iris/src", "/home/me/iris/src/gone.py", None, &[]),
        row("/home/me/iris/src", "/elsewhere/gone.py", None, &[]),
    ];
    expect![[r#"
        /home/me/other/src/pkg/part.py
            mapped  /home/me/iris/src
            tried   -
            dap.path-unmapped
            /home/me/other/src => /mnt/azureml/exe/wd
            No path mapping covers /home/me/other/src/pkg/part.py; the container has it as /mnt/azureml/exe/wd/pkg/part.py. The mapping /home/me/other/src -> /mnt/azureml/exe/wd reaches it.
        /home/me/iris/src/pkg/part.py
            mapped  /home/me/iris
            tried   /mnt/azureml/exe/wd/src/pkg/part.py
            dap.path-elsewhere
            /home/me/iris/src => /mnt/azureml/exe/wd
            The container has no /mnt/azureml/exe/wd/src/pkg/part.py, but /mnt/azureml/exe/wd/pkg/part.py. The mapping /home/me/iris/src -> /mnt/azureml/exe/wd reaches it.
        C:\Users\me\iris\src\pkg\part.py
            mapped  d:\iris
            tried   -
            dap.path-unmapped
            C:\Users\me\iris\src => /mnt/azureml/exe/wd
            No path mapping covers C:\Users\me\iris\src\pkg\part.py; the container has it as /mnt/azureml/exe/wd/pkg/part.py. The mapping C:\Users\me\iris\src -> /mnt/azureml/exe/wd reaches it.
        c:\users\me\iris\src\pkg\part.py
            mapped  C:\Users\me\iris
            tried   /mnt/azureml/exe/wd/src/pkg/part.py
            dap.path-elsewhere
            c:\users\me\iris\src => /mnt/azureml/exe/wd
            The container has no /mnt/azureml/exe/wd/src/pkg/part.py, but /mnt/azureml/exe/wd/pkg/part.py. The mapping c:\users\me\iris\src -> /mnt/azureml/exe/wd reaches it.
        \\server\share\iris\src\pkg\part.py
            mapped  \\server\share\iris
            tried   /mnt/azureml/exe/wd/src/pkg/part.py
            dap.path-elsewhere
            \\server\share\iris\src => /mnt/azureml/exe/wd
            The container has no /mnt/azureml/exe/wd/src/pkg/part.py, but /mnt/azureml/exe/wd/pkg/part.py. The mapping \\server\share\iris\src -> /mnt/azureml/exe/wd reaches it.
        \\wsl$\Ubuntu\home\me\iris\src\pkg\part.py
            mapped  /home/me/iris/src
            tried   -
            dap.path-spelled
            \\wsl$\Ubuntu\home\me\iris\src => /mnt/azureml/exe/wd
            \\wsl$\Ubuntu\home\me\iris\src\pkg\part.py and the mapped /home/me/iris/src are one place that two systems spell differently, and the debugger compares spellings. The mapping \\wsl$\Ubuntu\home\me\iris\src -> /mnt/azureml/exe/wd reaches it.
        \\wsl.localhost\Ubuntu\home\me\iris\src\pkg\part.py
            mapped  /home/me/iris/src
            tried   -
            dap.path-spelled
            \\wsl.localhost\Ubuntu\home\me\iris\src => /mnt/azureml/exe/wd
            \\wsl.localhost\Ubuntu\home\me\iris\src\pkg\part.py and the mapped /home/me/iris/src are one place that two systems spell differently, and the debugger compares spellings. The mapping \\wsl.localhost\Ubuntu\home\me\iris\src -> /mnt/azureml/exe/wd reaches it.
        /home/me/iris/src/pkg/part.py
            mapped  \\wsl.localhost\Ubuntu\home\me\iris\src
            tried   -
            dap.path-spelled
            /home/me/iris/src => /mnt/azureml/exe/wd
            /home/me/iris/src/pkg/part.py and the mapped \\wsl.localhost\Ubuntu\home\me\iris\src are one place that two systems spell differently, and the debugger compares spellings. The mapping /home/me/iris/src -> /mnt/azureml/exe/wd reaches it.
        /mnt/c/Users/me/iris/src/pkg/part.py
            mapped  C:\Users\me\iris\src
            tried   -
            dap.path-spelled
            /mnt/c/Users/me/iris/src => /mnt/azureml/exe/wd
            /mnt/c/Users/me/iris/src/pkg/part.py and the mapped C:\Users\me\iris\src are one place that two systems spell differently, and the debugger compares spellings. The mapping /mnt/c/Users/me/iris/src -> /mnt/azureml/exe/wd reaches it.
        /srv/link/pkg/part.py
            mapped  /home/me/iris/src
            tried   -
            dap.path-link
            /srv/link => /mnt/azureml/exe/wd
            /srv/link/pkg/part.py is a link to /home/me/iris/src/pkg/part.py; the debugger takes the name as it is. The mapping /srv/link -> /mnt/azureml/exe/wd reaches it.
        c:\iris\src\Pkg\part.py
            mapped  c:\iris\src
            tried   /mnt/azureml/exe/wd/Pkg/part.py
            dap.path-case
            c:\iris\src\Pkg => /mnt/azureml/exe/wd/pkg
            The container has no /mnt/azureml/exe/wd/Pkg/part.py, only /mnt/azureml/exe/wd/pkg/part.py, which differs in upper and lower case. The mapping c:\iris\src\Pkg -> /mnt/azureml/exe/wd/pkg reaches it.
        c:\iris\src\pkg\Part.py
            mapped  c:\iris\src
            tried   /mnt/azureml/exe/wd/pkg/Part.py
            dap.path-case-of-file
            -
            c:\iris\src\pkg\Part.py is named /mnt/azureml/exe/wd/pkg/part.py in the container, which differs in upper and lower case: give both the same name.
        /home/me/lib/src/lib/core.py
            mapped  /home/me/iris/src
            tried   -
            dap.path-unmapped
            /home/me/lib/src => /usr/lib/python3/dist-packages
            No path mapping covers /home/me/lib/src/lib/core.py; the container has it as /usr/lib/python3/dist-packages/lib/core.py. The mapping /home/me/lib/src -> /usr/lib/python3/dist-packages reaches it.
        /x/b/util.py
            mapped  /home/me/iris/src
            tried   -
            dap.path-unmapped
            /x => /mnt/azureml/exe/wd
            No path mapping covers /x/b/util.py; the container has it as /mnt/azureml/exe/wd/b/util.py. The mapping /x -> /mnt/azureml/exe/wd reaches it.
        /home/me/iris/src/gone.py
            mapped  /home/me/iris/src
            tried   /mnt/azureml/exe/wd/gone.py
            dap.path-nowhere
            -
            No file gone.py is in the container, neither as /mnt/azureml/exe/wd/gone.py nor elsewhere. Of your files it has those of the code folder /home/me/iris/src.
        /elsewhere/gone.py
            mapped  /home/me/iris/src
            tried   -
            dap.path-nowhere-uncovered
            -
            No file gone.py is in the container. Of your files it has those of the code folder /home/me/iris/src.
    "#]].assert_eq(&rows.concat());
}

#[test]
fn a_mapping_that_is_proposed_reaches_the_file() {
    let there = "/mnt/azureml/exe/wd/pkg/part.py";
    for source in [
        "/home/me/other/pkg/part.py",
        "/part.py",
        r"C:\part.py",
        r"C:\Users\me\pkg\part.py",
        r"\\server\share\pkg\part.py",
        r"\\wsl$\Ubuntu\home\me\pkg\part.py",
    ] {
        let none = Complaint { source, resolved: None, mappings: &[], code: None };
        let pair = none.examine(&[there.to_owned()]).pair.unwrap();
        let fixed = Complaint { mappings: std::slice::from_ref(&pair), ..none };
        assert_eq!(fixed.tried().as_deref(), Some(there), "{source} with {pair:?}");
    }
}
